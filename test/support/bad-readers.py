"""Readers of a registry that behave badly on purpose, each on an address of its own: in a guest, with the registry's certificate.

usage: bad-readers.py <port> <file to serve> <certificate> <key> <log>
127.0.0.2 lies about the bytes, 127.0.0.3 knows nothing, 127.0.0.4 hangs up after 100,000 bytes of each answer, 127.0.0.5 is well,
127.0.0.6 wants a token that everybody gets, and sends on to where its bytes lie, as registries with an object store do.
"""
import http.server, json, re, ssl, sys, threading, urllib.parse

port, path, certificate, key, log = sys.argv[1:]
right = open(path, "rb").read()

class Reader(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        address = self.connection.getsockname()[0]
        if address == "127.0.0.6" and not self.let_in():
            return
        asked = self.headers.get("Range", "")
        with open(log, "a") as lines:
            lines.write(f"{address} {asked}\n")
        if address == "127.0.0.3":
            self.send_error(404)
            return
        start = int(re.sub(r"\D", "", asked) or 0)
        body = (b"x" * len(right) if address == "127.0.0.2" else right)[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(right) - 1}/{len(right)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100_000] if address == "127.0.0.4" else body)
        self.close_connection = True

    def do_HEAD(self):
        self.let_in()

    def let_in(self):
        """Whether the bytes themselves were asked for."""
        where = f"https://registry.site:{port}"
        asked = urllib.parse.urlsplit(self.path)
        if asked.path == "/stored":
            return True
        if asked.path == "/token":
            query = urllib.parse.parse_qs(asked.query)
            right_words = query == {"service": ["a store"], "scope": ["repository:files/thing:pull"]}
            self.answer(200, json.dumps({"access_token": "", "token": "let-me-in"} if right_words else {}))
        elif self.headers.get("Authorization") != "Bearer let-me-in":
            self.answer(401, "", ("WWW-Authenticate", f'Bearer realm="{where}/token",service="a store",scope="repository:files/thing:pull"'))
        else:
            self.answer(307, "", ("Location", f"{where}/stored"))
        return False

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body.encode())

    def log_message(self, *words):
        pass

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
servers = []
for last in (2, 3, 4, 5, 6):
    server = http.server.ThreadingHTTPServer((f"127.0.0.{last}", int(port)), Reader)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    servers.append(threading.Thread(target=server.serve_forever))
for server in servers:
    server.start()
