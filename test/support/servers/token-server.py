"""Gives out tokens for a registry as Harbor and GitLab do: to everybody for reading, to one login for writing. In a guest.

usage: token-server.py <port> <certificate> <key> <certificate of the tokens> <their key> <service> <user:password>
A token is a JSON web token, RS256, with the certificate in it (distribution 3.1.2, docs/content/spec/auth/jwt.md).
"""
import base64, http.server, json, ssl, subprocess, sys, time, urllib.parse

port, certificate, key, token_certificate, token_key, service, login = sys.argv[1:]
chain = "".join(line for line in open(token_certificate).read().splitlines() if not line.startswith("-----"))
basic = "Basic " + base64.b64encode(login.encode()).decode()

def words(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

def token(access):
    now = int(time.time())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [chain]}
    claims = {"iss": "tests", "sub": "", "aud": service, "iat": now, "nbf": now - 60, "exp": now + 600, "jti": str(time.time_ns()), "access": access}
    text = ".".join(words(json.dumps(part).encode()) for part in (header, claims))
    signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", token_key], input=text.encode(), capture_output=True, check=True)
    return f"{text}.{words(signed.stdout)}"

class Tokens(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Authorization")
        if asked not in (None, basic):
            self.send_error(401)
            return
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        access = []
        for scope in " ".join(query.get("scope", [])).split():
            kind, name, actions = scope.split(":")
            allowed = actions.split(",") if asked else ["pull"]
            access.append({"type": kind, "name": name, "actions": [one for one in actions.split(",") if one in allowed]})
        body = json.dumps({"token": token(access), "access_token": "", "expires_in": 600}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Tokens)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
