#!/usr/bin/env python3
"""The two ends of making the GitHub App; between them its owner presses a button on GitHub. See README.md here.

  setup.py form --server https://gate.example.com [--org ACME] [--github https://github.com]
      writes app.html, a page whose button makes the App from manifest.json
  setup.py finish CODE [--api https://api.github.com] [--folder /etc/smgate]
      changes the code, which GitHub put into the address, for the App's key and webhook secret, writes them into the
      folder (for the folder's owner alone) and prints what belongs into the server's configuration"""
import argparse
import html
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = "https://gate.example.com"
DEADLINE_S = 30

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Make the GitHub App</title>
<form action="{action}" method="post">
  <input type="hidden" name="manifest" value="{manifest}">
  <button>Make the App</button>
</form>
"""


def form(options):
    manifest = (HERE / "manifest.json").read_text().replace(EXAMPLE, options.server.rstrip("/"))
    owner = f"/organizations/{options.org}" if options.org else ""
    action = f"{options.github.rstrip('/')}{owner}/settings/apps/new"
    pathlib.Path("app.html").write_text(PAGE.format(action=html.escape(action), manifest=html.escape(manifest)))
    print("open app.html in a browser where you are signed in to GitHub, and press the button")


def write_secret(file, text):
    """For the folder's owner alone, from the first byte on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        owner = file.parent.stat()
        if os.geteuid() == 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        stream.write(text.rstrip("\n") + "\n")


def finish(options):
    key, secret = options.folder / "github-app.pem", options.folder / "webhook-secret"
    if not os.access(options.folder, os.W_OK):  # before the code is used, which is good once
        sys.exit(f"{options.folder} is no folder that can be written to: make it first, see README.md here")
    for file in (key, secret):
        if file.exists():
            sys.exit(f"{file} is there already: move it away first")
    request = urllib.request.Request(f"{options.api.rstrip('/')}/app-manifests/{options.code}/conversions", method="POST",
                                     headers={"Accept": "application/vnd.github+json", "User-Agent": "smgate"})
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            app = json.load(answer)
    except urllib.error.URLError as error:
        sys.exit(f"GitHub does not take the code: {error}; it is good once, within an hour. Make the App again")
    write_secret(key, app["pem"])
    write_secret(secret, app["webhook_secret"])
    section = {"client_id": app["client_id"], "private_key_file": str(key)}
    if options.api != "https://api.github.com":
        section = {"api_url": options.api} | section
    print(f'"webhook_secret_file": {json.dumps(str(secret))},\n"github": {json.dumps(section)},')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True)
    begin = steps.add_parser("form")
    begin.add_argument("--server", required=True, help="as GitHub reaches it, https://HOST")
    begin.add_argument("--org", help="whose App it is; without: your own account's")
    begin.add_argument("--github", default="https://github.com")
    begin.set_defaults(do=form)
    end = steps.add_parser("finish")
    end.add_argument("code")
    end.add_argument("--api", default="https://api.github.com")
    end.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/etc/smgate"))
    end.set_defaults(do=finish)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
