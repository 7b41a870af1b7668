"""What is installed hangs together: install_test.py BUILD CMAKE installs each component below a scratch folder and
holds units, programs, users and documents against each other."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, CMAKE = (sys.argv.pop(1) for _ in range(2))


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.scratch.name)
        for component in ("server", "runner"):
            subprocess.run([CMAKE, "--install", BUILD, "--prefix", cls.root / "usr", "--component", component],
                           check=True, capture_output=True)
        cls.units = {path.stem: path.read_text() for path in (cls.root / "usr/lib/systemd/system").glob("*.service")}

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def fields(self, name):
        found = [re.search(rf"^{name}=(.*)$", text, re.M).group(1) for text in self.units.values()]
        self.assertEqual(len(found), 2)
        return found

    def test_units_start_programs_that_answer(self):
        for command in self.fields("ExecStart"):
            program = self.root / command.split()[0].lstrip("/")
            answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
            self.assertRegex(answer.stdout, r"smgate-\w+ \d")

    def test_units_name_commands_that_the_programs_know(self):
        for command in self.fields("ExecStart"):
            program, *words = command.split()
            answer = subprocess.run([self.root / program.lstrip("/"), *words], capture_output=True, text=True)
            self.assertEqual(answer.returncode, 2, answer.stderr)
            self.assertIn(words[-1], answer.stderr)  # the configuration, which is not there

    def test_units_name_documents_and_users_that_are_installed(self):
        for document in self.fields("Documentation"):
            self.assertTrue((self.root / document.removeprefix("file:/")).is_file(), document)
        made = "".join(path.read_text() for path in (self.root / "usr/lib/sysusers.d").glob("*.conf"))
        for user in self.fields("User"):
            self.assertRegex(made, rf"(?m)^u {user} ")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze here")
    def test_units_are_what_systemd_understands(self):
        for name in self.units:
            unit = self.root / f"usr/lib/systemd/system/{name}.service"
            answer = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
            complaints = [line for line in answer.stderr.splitlines() if name in line]
            self.assertEqual([line for line in complaints if "is not executable" not in line], [])

    def test_the_runners_unit_leaves_devices_and_proc_to_stages(self):
        for hides in ("PrivateDevices", "ProtectClock", "DeviceAllow", "ProtectKernelTunables", "ProtectKernelLogs",
                      "ProtectProc", "RestrictNamespaces", "MemoryDenyWriteExecute"):
            self.assertNotRegex(self.units["smgate-runner"], rf"(?m)^{hides}=")

    def test_emitters_come_with_the_runner(self):
        self.assertTrue((self.root / "usr/include/smgate/events.hpp").is_file())
        self.assertTrue((self.root / "usr/share/smgate/smgate_events.py").is_file())


if __name__ == "__main__":
    unittest.main()
