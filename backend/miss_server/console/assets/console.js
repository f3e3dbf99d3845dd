// The script of the console's pages: talks to passkeys, and leaves the screen empty when nobody is there any more.

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
  });
  const told = await answer.json();
  if (!answer.ok) throw new Refusal(told.sentence);
  return told;
}

class Refusal extends Error {}

// The secret of a one-time link: read once, then taken out of the address and of the history.
let secret = "";
if (location.pathname === "/enrol") {
  secret = location.hash.slice(1);
  if (secret) history.replaceState(null, "", "/enrol");
}

async function login() {
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(await ask("/login/options", {}));
  const credential = await navigator.credentials.get({ publicKey: options });
  return ask("/login/passkey", { credential: credential.toJSON() });
}

async function make(form, room) {
  const who = room === "/enrol" ? { token: secret } : {};
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(await ask(`${room}/options`, who));
  const credential = await navigator.credentials.create({ publicKey: options });
  return ask(`${room}/passkey`, { ...who, credential: credential.toJSON(), label: form.elements.label.value });
}

function reason(form, error) {
  if (error instanceof Refusal) return error.message;
  if (error.name === "InvalidStateError") return form.dataset.held;
  if (error instanceof TypeError || error instanceof SyntaxError) return form.dataset.silent;
  return form.dataset.cancelled;
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = form.querySelector("button");
  const problem = form.querySelector(".problem");
  problem.textContent = "";
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseCreationOptionsFromJSON) {
    problem.textContent = form.dataset.unknown;
    return;
  }
  if (form.dataset.passkey === "enrol" && !secret) {
    problem.textContent = form.dataset.noLink;
    return;
  }
  button.disabled = true;
  try {
    const { next } = await (form.dataset.passkey === "login" ? login() : make(form, `/${form.dataset.passkey}`));
    location.assign(next);
  } catch (error) {
    problem.textContent = reason(form, error);
    button.disabled = false;
    button.focus();
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) form.addEventListener("submit", submit);

// The session ends by itself on the server; what it showed leaves the screen at the same time.
const minutes = Number(document.body.dataset.idleMinutes);
if (minutes) {
  let leaving = 0;
  const stay = () => {
    clearTimeout(leaving);
    leaving = setTimeout(() => location.replace("/login"), minutes * 60_000);
  };
  stay();
  document.addEventListener("htmx:afterRequest", stay);
}
