# MiSS: the commands of this house. `make help` lists them.
PYTHON := .venv/bin/python
CODE := shared backend mobile tests

.PHONY: help setup demo test check screens bench bench-mls bench-ui fuzz prove chaos sbom audit bundle deb android-source imports lock
help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: ## make .venv from the lock, with the Debian packages it needs
	@.ci/setup all

demo: ## play the main scene: three people, one server, no question asked (SHOW=1 leaves the windows open; NODES=2: two servers)
	@.ci/setup $(if $(NODES),nodes,demo)
	@$(PYTHON) -m tests.demo $(if $(SHOW),--show) $(if $(NODES),--nodes $(NODES))

test: setup ## run the tests (meant for 10 minutes on 2 cores; 14 as of now)
	@$(PYTHON) -m pytest -n 2 --dist loadfile

check: setup ## ruff and strict types
	@.venv/bin/ruff check $(CODE)
	@.venv/bin/ruff format --check -q $(CODE)
	@.venv/bin/mypy

screens: setup ## play, render every screen into out/screens, look each over by machine (SCREENS="phone chat")
	@$(PYTHON) tests/screens.py out/screens $(SCREENS)

bench: setup ## measure the server beside a bare relay (options of tests.bench: BENCH="--runs 1")
	@$(PYTHON) -m tests.bench $(BENCH)

bench-mls: setup ## measure the group encryption beside the primitives' own cost
	@$(PYTHON) tests/bench_mls.py

bench-ui: setup ## measure the screens: start, memory, lists, search, a photo, taps
	@$(PYTHON) tests/bench_ui.py

fuzz: setup ## feed random bytes and random structures to every decoder (SECONDS=600)
	@$(PYTHON) tests/fuzz.py --seconds $(or $(SECONDS),600)

prove: setup ## run the long suites; verdicts are appended under docs/proofs
	@$(PYTHON) -m tests.proofs

chaos: setup ## besiege a server, or two nodes, and count what was lost (CHAOS="--on nodes"; "--sums": of all runs so far)
	@$(PYTHON) -m tests.chaos $(CHAOS)

bundle: ## build the desktop program for this system: out/bundle/miss (docs/desktop-builds.md)
	@.ci/setup demo
	@$(PYTHON) -m PyInstaller -y --log-level ERROR --distpath out/bundle --workpath out/bundle-work mobile/packaging/linux.spec >out/bundle.log 2>&1 || { tail -30 out/bundle.log >&2; exit 1; }

deb: bundle ## make the Debian and Ubuntu package of it: out/miss_VERSION_ARCHITECTURE.deb
	@$(PYTHON) mobile/packaging/deb.py out/bundle/miss out

android-source: ## lay out what buildozer packs for Android: out/android (docs/phones.md)
	@.ci/setup demo
	@$(PYTHON) mobile/packaging/android_source.py out/android

imports: ## print how each module that the client imports gets onto Android, iOS and desktops
	@.ci/setup demo
	@$(PYTHON) -m tests.installing.import_walk

sbom: setup ## write what the locks install as CycloneDX into out/sbom
	@$(PYTHON) tests/supply.py sbom

audit: setup ## ask the OSV database about every locked version (needs the internet, and says when it has none)
	@$(PYTHON) tests/supply.py audit

lock: ## write requirements/*.lock from pyproject.toml
	@for set in "server:--extra server" "client:--extra client --extra desktop" "dev:--all-extras"; do \
	  .venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url \
	    $${set#*:} pyproject.toml -o requirements/$${set%%:*}.lock; \
	done
