// A certified OpenID provider (npm `oidc-provider`) with a small protected resource of ours beside it.
//
// Both listen on loopback ports of their own. When both are up, one JSON line on stdout names their URLs;
// everything else goes to stderr. The process ends when its standard input closes, so it cannot outlive
// the test that started it.
//
// The one option is a JSON object: {"access_token_seconds": 900, "token_format": "opaque" | "jwt"}, and
//   "dpop": true      only tokens that are bound to a key, with a nonce of the server in each proof (RFC 9449)
//   "par": true       pushed authorization requests (RFC 9126); "required" takes no others
//   "documents": {}   client metadata documents by their https URL, which is not fetched

import { createHash, createPublicKey, createVerify, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import Provider, { errors } from 'oidc-provider';

const options = {
  access_token_seconds: 900,
  token_format: 'opaque',
  dpop: false,
  par: false,
  documents: {},
  ...JSON.parse(process.argv[2] ?? '{}'),
};

/** Binds a server to a free loopback port before its handler is known: the URLs depend on the port. */
async function listen() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

const authorization = await listen();
const protectedSide = await listen();
const resource = `${protectedSide.origin}/documents`;
const metadataUrl = `${protectedSide.origin}/.well-known/oauth-protected-resource/documents`;

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = { ...privateKey.export({ format: 'jwk' }), kid: 'test', alg: 'ES256', use: 'sig' };

const provider = new Provider(authorization.origin, {
  jwks: { keys: [signingKey] },
  cookies: { keys: ['only for tests'] },
  scopes: ['openid', 'offline_access', 'read', 'write'], // registration refuses a scope that is not named here
  findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  pkce: { required: () => true },
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async () => false,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: options.access_token_seconds,
    AuthorizationCode: 60,
    Grant: 86400,
    IdToken: 900,
    Interaction: 600,
    RefreshToken: 86400,
    Session: 86400,
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  fetch(url, init) {
    const document = options.documents[url];
    return document ? Response.json(document) : fetch(url, init);
  },
  features: {
    devInteractions: { enabled: false },
    clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => options.dpop },
    pushedAuthorizationRequests: { enabled: Boolean(options.par), requirePushedAuthorizationRequests: options.par === 'required' },
    registration: { enabled: true },
    registrationManagement: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo(ctx, indicator) {
        if (indicator !== resource) throw new errors.InvalidTarget('this server knows no such resource');
        return {
          scope: 'read write',
          audience: resource,
          accessTokenFormat: options.token_format,
          accessTokenTTL: options.access_token_seconds,
          ...(options.token_format === 'jwt' && { jwt: { sign: { alg: 'ES256' } } }),
        };
      },
    },
  },
});

const page = (body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>${body}</html>`;
const loginPage = page(`<h1>Sign in</h1><form method="post">
  <label>Login <input name="login" required></label>
  <label>Password <input name="password" type="password" required></label>
  <button type="submit">Sign in</button></form>`);
const consentPage = page(`<h1>Allow access?</h1><form method="post">
  <button type="submit" name="decision" value="allow">Allow</button>
  <button type="submit" name="decision" value="deny">Deny</button></form>`);

async function readForm(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** Grants everything that the interaction found missing, as a person who reads nothing would. */
async function grantAll({ params, prompt, session, grantId }) {
  const grant =
    (grantId && (await provider.Grant.find(grantId))) ??
    new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  for (const [indicator, scopes] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(indicator, scopes.join(' '));
  }
  return grant.save();
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  const login = details.prompt.name === 'login';
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(login ? loginPage : consentPage);
    return;
  }
  const form = await readForm(request);
  let result;
  if (login) result = { login: { accountId: form.get('login') } };
  else if (form.get('decision') === 'deny') result = { error: 'access_denied', error_description: 'denied' };
  else result = { consent: { grantId: await grantAll(details) } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

const answer = provider.callback();
authorization.server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    answer(request, response);
    return;
  }
  interact(request, response).catch((error) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
    response.end(String(error.message));
  });
});

function sendJson(response, status, value, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(JSON.stringify(value));
}

/** Checks a JWT access token by our own hand: signature, issuer, audience, expiry (RFC 9068 §4). */
function verifyJwt(token) {
  const [head, body, signature] = token.split('.');
  const signed = Buffer.from(signature ?? '', 'base64url');
  if (signed.length !== 64) return undefined; // ES256: two numbers of 32 bytes
  const verifier = createVerify('sha256').update(`${head}.${body}`);
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' };
  if (!verifier.verify(key, signed)) return undefined;
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  const live = claims.iss === authorization.origin && claims.exp > Date.now() / 1000;
  return live ? { audience: claims.aud, account: claims.sub, jkt: claims.cnf?.jkt } : undefined;
}

async function verifyToken(token) {
  if (options.token_format === 'jwt') return verifyJwt(token);
  const found = await provider.AccessToken.find(token);
  return found?.isValid ? { audience: found.aud, account: found.accountId, jkt: found.jkt } : undefined;
}

const resourceNonce = randomBytes(16).toString('base64url');
const seenProofs = new Set();
const hash = (text) => createHash('sha256').update(text).digest('base64url');

/** Checks a proof by our own hand (RFC 9449 §4.3); returns its nonce and the thumbprint of its key. */
function verifyProof(proof, method, token) {
  const [head, body, signature] = (proof ?? '').split('.');
  const { typ, alg, jwk } = JSON.parse(Buffer.from(head, 'base64url').toString());
  if (typ !== 'dpop+jwt' || alg !== 'ES256' || jwk.d) return undefined;
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  const verifier = createVerify('sha256').update(`${head}.${body}`);
  if (!verifier.verify(key, Buffer.from(signature, 'base64url'))) return undefined;
  const { htm, htu, ath, jti, iat, nonce } = JSON.parse(Buffer.from(body, 'base64url').toString());
  const fresh = Math.abs(iat - Date.now() / 1000) < 60 && !seenProofs.has(jti);
  if (!fresh || htm !== method || htu !== resource || ath !== hash(token)) return undefined;
  seenProofs.add(jti);
  return { nonce, jkt: hash(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y })) };
}

/** Answers a request for a resource that takes only bound tokens. */
async function serveBound(request, response) {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  const found = scheme.toLowerCase() === 'dpop' && (await verifyToken(token));
  let error = token ? 'invalid_token' : '';
  let proof;
  try {
    proof = found && verifyProof(request.headers.dpop, request.method, token);
  } catch {
    error = 'invalid_dpop_proof';
  }
  if (proof?.jkt && proof.jkt === found.jkt) {
    if (proof.nonce === resourceNonce) return sendJson(response, 200, { hello: found.account });
    error = 'use_dpop_nonce';
  }
  const said = error ? `, error="${error}"` : '';
  return sendJson(response, 401, { error: error || 'unauthorized' }, {
    'dpop-nonce': resourceNonce,
    'www-authenticate': `DPoP algs="ES256", scope="read", resource_metadata="${metadataUrl}"${said}`,
  });
}

async function serveResource(request, response) {
  const { pathname } = new URL(request.url, protectedSide.origin);
  if (pathname === new URL(metadataUrl).pathname) {
    sendJson(response, 200, {
      resource,
      authorization_servers: [authorization.origin],
      bearer_methods_supported: ['header'],
      scopes_supported: ['read', 'write'],
      resource_name: 'Documents',
      ...(options.dpop && {
        dpop_bound_access_tokens_required: true,
        dpop_signing_alg_values_supported: ['ES256'],
      }),
    });
    return;
  }
  if (pathname !== '/documents') {
    sendJson(response, 404, { error: 'not_found' });
    return;
  }
  if (options.dpop) {
    await serveBound(request, response);
    return;
  }
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  const bearer = scheme.toLowerCase() === 'bearer' && token;
  const found = bearer && (await verifyToken(token));
  if (found && [found.audience].flat().includes(resource)) {
    sendJson(response, 200, { hello: found.account });
    return;
  }
  const error = bearer ? ', error="invalid_token", error_description="The access token is not valid"' : '';
  sendJson(response, 401, { error: bearer ? 'invalid_token' : 'unauthorized' }, {
    'www-authenticate': `Bearer realm="documents", scope="read", resource_metadata="${metadataUrl}"${error}`,
  });
}

protectedSide.server.on('request', (request, response) => {
  serveResource(request, response).catch((error) => {
    console.error(error);
    sendJson(response, 500, { error: 'server_error' });
  });
});

process.stdin.resume().on('end', () => process.exit(0));
console.log(JSON.stringify({ issuer: authorization.origin, resource, resource_metadata: metadataUrl }));
