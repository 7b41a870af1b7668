#!/usr/bin/env python3
"""deploy/github-app/setup.py as a new user runs it, with a host that answers like GitHub's manifest conversion.

Usage: app_setup_test.py"""
import html.parser
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = {"client_id": "Iv1.new", "pem": "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n",
       "webhook_secret": "0123456789abcdef0123"}


class GitHub(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_POST(self):
        self.asked.append(self.path)
        self.send_response(201 if self.path == "/app-manifests/good-code/conversions" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(APP).encode())

    def log_message(self, *_):
        pass


class Form(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.fields = {}

    def handle_starttag(self, tag, attrs):
        self.fields[tag] = dict(attrs)


class Setup(unittest.TestCase):
    def setUp(self):
        GitHub.asked.clear()
        self.github = http.server.HTTPServer(("127.0.0.1", 0), GitHub)
        threading.Thread(target=self.github.serve_forever, daemon=True).start()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.addCleanup(self.github.server_close)
        self.addCleanup(self.github.shutdown)
        self.folder = pathlib.Path(scratch.name)

    def run_setup(self, *words):
        return subprocess.run([sys.executable, str(ROOT / "deploy/github-app/setup.py"), *words], cwd=self.folder,
                              capture_output=True, text=True, check=False)

    def finish(self, code):
        return self.run_setup("finish", code, "--api", f"http://127.0.0.1:{self.github.server_port}", "--folder", str(self.folder))

    def test_the_form_posts_the_manifest_of_this_server(self):
        self.assertEqual(self.run_setup("form", "--server", "https://gate.acme.org/", "--org", "acme").returncode, 0)
        page = Form()
        page.feed((self.folder / "app.html").read_text())
        self.assertEqual(page.fields["form"]["action"], "https://github.com/organizations/acme/settings/apps/new")
        manifest = json.loads(page.fields["input"]["value"])
        self.assertEqual(manifest["hook_attributes"]["url"], "https://gate.acme.org/webhooks/github")
        self.assertNotIn("example.com", json.dumps(manifest))

    def test_the_code_becomes_files_that_others_cannot_read(self):
        done = self.finish("good-code")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "github-app.pem").read_text(), APP["pem"])
        self.assertEqual((self.folder / "webhook-secret").read_text(), APP["webhook_secret"] + "\n")
        for name in ("github-app.pem", "webhook-secret"):
            self.assertEqual((self.folder / name).stat().st_mode & 0o777, 0o600)
        self.assertIn('"client_id": "Iv1.new"', done.stdout)
        self.assertNotIn(APP["webhook_secret"], done.stdout)

    def test_a_key_that_is_there_is_not_overwritten(self):
        self.finish("good-code")
        again = self.finish("good-code")
        self.assertEqual(again.returncode, 1)
        self.assertIn("move it away", again.stderr)

    def test_without_a_folder_the_code_is_not_used_up(self):
        absent = str(self.folder / "absent")
        done = self.run_setup("finish", "good-code", "--api", f"http://127.0.0.1:{self.github.server_port}", "--folder", absent)
        self.assertEqual(done.returncode, 1)
        self.assertIn("make it first", done.stderr)
        self.assertEqual(GitHub.asked, [])

    def test_an_old_code_is_named(self):
        done = self.finish("old-code")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Make the App again", done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
