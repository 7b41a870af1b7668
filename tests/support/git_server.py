#!/usr/bin/env python3
"""A git host of private repositories on the loopback: git http-backend behind TLS and Basic authentication, as GitHub
takes installation tokens. Started by git_server.hpp; ends when its standard input does.

Usage: git_server.py FOLDER   with FOLDER/cert.pem, FOLDER/key.pem, FOLDER/repositories/OWNER/NAME.git. Writes
FOLDER/port. Reads with each request: FOLDER/tokens ("TOKEN NAME" a line: the token and the repository that it opens)
and FOLDER/redirect (where requests that are let in are sent instead; may be absent). Appends to FOLDER/seen a JSON
line for each request: what it asked for, with which authorization, and which processes knew a token or this server by
their arguments or environment while it waited for the answer."""
import base64
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading

FOLDER = pathlib.Path(sys.argv[1])
LOCK = threading.Lock()


def words_of(name):
    file = FOLDER / name
    return file.read_text().split() if file.exists() else []


def processes():
    """Of each process that can be looked at: its name, arguments and environment."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            yield ((folder / "comm").read_text().strip(), (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes())
        except OSError:
            continue


def look_around(tokens, address):
    found = {"arguments": [], "environment": [], "callers": []}
    for name, arguments, environment in processes():
        if any(token in arguments for token in tokens):
            found["arguments"].append(name)
        if any(token in environment for token in tokens):
            found["environment"].append(name)
        if address in arguments:
            found["callers"].append(name)
    return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def handle_request(self):
        body = self.read_body()
        status = self.status()
        lines = words_of("tokens") + words_of("old_tokens")
        seen = look_around([t.encode() for t in lines[::2]], f"127.0.0.1:{self.server.server_port}/".encode())
        seen |= {"path": self.path, "authorization": self.headers.get("Authorization", ""), "status": status}
        with LOCK, open(FOLDER / "seen", "a") as file:
            file.write(json.dumps(seen) + "\n")
        if status != 200:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="private"')
            if status == 302:
                self.send_header("Location", words_of("redirect")[0] + self.path)
            return self.finish_with(b"")
        self.pass_on(body)

    do_GET = do_POST = handle_request

    def read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def status(self):
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        user, _, token = base64.b64decode(text).decode().partition(":") if kind == "Basic" else ("", "", "")
        lines = words_of("tokens")
        opened = dict(zip(lines[::2], lines[1::2])).get(token)
        if user != "x-access-token" or opened is None:
            return 401
        if self.path.split("/")[2] != opened + ".git":
            return 404
        return 302 if words_of("redirect") else 200

    def pass_on(self, body):
        path, _, query = self.path.partition("?")
        variables = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(FOLDER / "repositories"), "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query, "REMOTE_USER": "anyone",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        done = subprocess.run(["git", "http-backend"], input=body, env=variables, stdout=subprocess.PIPE, check=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.finish_with(rest)

    def finish_with(self, body):
        """With its length, or whoever reads it would wait for a farewell of TLS, which Python says none."""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def end_with_input():
    sys.stdin.read()
    os._exit(0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(FOLDER / "cert.pem", FOLDER / "key.pem")
server.socket = tls.wrap_socket(server.socket, server_side=True)
threading.Thread(target=end_with_input, daemon=True).start()
unfinished = FOLDER / "port.new"
unfinished.write_text(str(server.server_port))
unfinished.rename(FOLDER / "port")
server.serve_forever()
