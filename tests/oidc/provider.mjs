// An OpenID provider that gives claims of the shape of Pro Santé Connect's: node provider.mjs, settings as JSON on stdin.
// It prints its issuer's port when it listens. Who signs in is named by the cookie-less field "login" of its sign-in page.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const settings = JSON.parse(readFileSync(0, "utf8"));
const people = new Map(Object.entries(settings.people));
const server = createServer();

server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = (name, more) => ({
    client_id: name,
    client_secret: settings.secret,
    redirect_uris: settings.redirects,
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
    ...more,
  });
  const provider = new Provider(issuer, {
    clients: [
      client("miss", {}),
      client("miss-signed", { userinfo_signed_response_alg: "RS256" }),
      client("miss-encrypted", {
        userinfo_signed_response_alg: "RS256",
        userinfo_encrypted_response_alg: "RSA-OAEP",
        jwks: { keys: [settings.encryptionKey] },
      }),
    ],
    jwks: { keys: [settings.signingKey] },
    acrValues: ["eidas1"],
    scopes: ["openid", "scope_all"],
    claims: { openid: ["sub", "acr"], scope_all: settings.claims },
    features: {
      devInteractions: { enabled: false },
      jwtUserinfo: { enabled: true },
      encryption: { enabled: true },
    },
    routes: { userinfo: "/protocol/openid-connect/userinfo", token: "/protocol/openid-connect/token" },
    pkce: { required: () => true },
    cookies: { keys: ["for these tests only"] },
    ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 600, Grant: 600, Session: 600 },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
  });

  server.on("request", async (request, response) => {
    const address = new URL(request.url, issuer);
    try {
      if (address.pathname.startsWith("/interaction/")) {
        const { prompt, params, session } = await provider.interactionDetails(request, response);
        const login = address.searchParams.get("login");
        if (prompt.name === "login" && !login) {
          response.end("who signs in? add ?login=NAME");
        } else if (login === "nobody") {
          await provider.interactionFinished(request, response, { error: "access_denied" });
        } else if (prompt.name === "login") {
          await provider.interactionFinished(request, response, { login: { accountId: login, acr: settings.acr } });
        } else {
          const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
          grant.addOIDCScope("openid scope_all");
          await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
        }
      } else if (address.pathname === "/.well-known/wallet-openid-configuration") {
        request.url = "/.well-known/openid-configuration";
        await provider.callback()(request, response);
      } else {
        await provider.callback()(request, response);
      }
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  });
  process.stdout.write(`${server.address().port}\n`);
});
