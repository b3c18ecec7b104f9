// Serves the application that a module exports by default: a request handler, Koa's or h3's application, or fetch().
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";

const file = resolve(process.argv[2]);
const port = Number(process.env.PORT ?? 3000);
const host = process.env.HOST ?? "0.0.0.0";

function request(incoming) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  const hasBody = !["GET", "HEAD"].includes(incoming.method);
  const url = new URL(incoming.url, `http://${incoming.headers.host ?? "localhost"}`);
  return new Request(url, {
    method: incoming.method,
    headers,
    ...(hasBody ? { body: Readable.toWeb(incoming), duplex: "half" } : {}),
  });
}

async function answer(app, incoming, outgoing) {
  try {
    const response = await app.fetch(request(incoming));
    const headers = Object.fromEntries(response.headers);
    const cookies = response.headers.getSetCookie();
    if (cookies.length) headers["set-cookie"] = cookies;
    outgoing.writeHead(response.status, headers);
    if (response.body) Readable.fromWeb(response.body).pipe(outgoing);
    else outgoing.end();
  } catch (error) {
    console.error(error);
    outgoing.writeHead(500).end("Internal Server Error");
  }
}

async function listener(app) {
  if (typeof app?.fetch === "function") return (incoming, outgoing) => answer(app, incoming, outgoing);
  if (typeof app?.callback === "function") return app.callback();
  if (typeof app === "function") return app;
  if (app?.stack && typeof app.handler === "function") {
    const h3 = await import(pathToFileURL(createRequire(file).resolve("h3")).href);
    return h3.toNodeListener(app);
  }
  console.error(`butler: error: ${process.argv[2]} exports no application (a handler, or an object with fetch())`);
  process.exit(1);
}

const loaded = await import(pathToFileURL(file).href);
let app = loaded.default ?? loaded.app;
if (app?.default) app = app.default;
const server = createServer(await listener(app));
server.listen(port, host, () => console.log(`butler: serving ${process.argv[2]} on http://${host}:${port}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => server.close(() => process.exit(0)));
