#!/usr/bin/env python3
"""The command line over https: a real server behind a proxy that ends TLS, as an operator puts one before it.

Usage: tls_test.py BUILD_DIR
"""
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy" / "demo"))
from system import System  # noqa: E402


class Proxy:
    """Takes TLS connections under a certificate of its own for localhost, and passes their bytes on to a port."""

    def __init__(self, folder, port):
        self.certificate, key = folder / "proxy.pem", folder / "proxy.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.behind, self.context = port, context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(plain, server_side=True) as client:
                    self.pass_on(client)
            except OSError:  # a client that does not trust the certificate goes
                plain.close()

    def pass_on(self, client):
        """One request and its answer: the command line asks to close the connection after it."""
        with socket.create_connection(("127.0.0.1", self.behind)) as server:
            server.sendall(client.recv(65536))
            while data := server.recv(65536):
                client.sendall(data)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


class Https(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = System(build)
        cls.system.repository("acme/kernels")
        cls.system.start_server()
        cls.proxy = Proxy(cls.system.folder, cls.system.port)

    @classmethod
    def tearDownClass(cls):
        cls.proxy.close()
        cls.system.close()

    def ask(self, *arguments, host="localhost", trusts=True):
        trusted = ["--ca-file", self.proxy.certificate] if trusts else []
        return subprocess.run([self.system.bin / "smgate-runner", *arguments, "--server", f"https://{host}:{self.proxy.port}", *trusted],
                              capture_output=True, text=True, timeout=60)

    def test_answers_behind_a_proxy(self):
        said = self.ask("status")
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        self.assertIn("RUNNER", said.stdout)
        self.assertEqual(self.ask("explain").stdout, "no run has failed\n")

    def test_passes_on_what_the_server_refuses(self):
        said = self.ask("cancel", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
        self.assertEqual(said.returncode, 1)
        self.assertIn("token", said.stderr)

    def test_refuses_a_certificate_that_nobody_vouches_for(self):
        said = self.ask("status", trusts=False)
        self.assertEqual((said.returncode, said.stdout), (2, ""))
        self.assertIn("certificate verify failed", said.stderr)

    def test_refuses_a_certificate_of_another_name(self):
        said = self.ask("status", host="127.0.0.1")
        self.assertEqual((said.returncode, said.stdout), (2, ""))
        self.assertIn("certificate verify failed", said.stderr)


if __name__ == "__main__":
    build = sys.argv.pop(1)
    unittest.main(verbosity=2)
