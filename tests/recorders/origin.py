"""The server whose traffic is recorded."""

import json
import pathlib
import subprocess


class Origin:
    """Runs `origin.mjs` while it is entered, with a certificate that nobody signed."""

    scripts = pathlib.Path(__file__).parent

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                   "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        self.certificate = certificate
        self.log = open(self.folder / "origin.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            ["node", self.scripts / "origin.mjs", key, certificate], stdout=subprocess.PIPE, text=True)
        ports = json.loads(self.process.stdout.readline())
        self.plain = f"http://127.0.0.1:{ports['plain']}"
        self.tls = f"https://127.0.0.1:{ports['tls']}"
        self.reader = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=self.log)
        return self

    def stop(self):
        """Turns it off, and gives all exchanges in their order."""
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.reader.wait()
        self.log.seek(0)
        exchanges = [json.loads(line) for line in self.log]
        for exchange in exchanges:
            exchange["origin"] = self.tls if exchange["secure"] else self.plain
        return exchanges

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.wait()
        self.log.close()
