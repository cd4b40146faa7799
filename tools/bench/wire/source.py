"""The source that is measured, in Python: source.go says what it does."""
import json
import resource
from pathlib import Path

from converter_source import Asset, Record, Source, serve

DOCUMENT = Path(__file__).with_name("document.json").read_bytes()


class Wire(Source):
    name = "wire"
    version = "1.0.0"
    summary = "Sends what it is told to."
    schema = {"properties": {"records": {"type": "integer"}}}

    def read(self, request):
        for i in range(self.options["records"]):
            yield Record("all", str(i), DOCUMENT)

    def fetch_asset(self, ref):
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Asset(json.dumps({"cpu": used.ru_utime + used.ru_stime}).encode())


if __name__ == "__main__":
    serve(Wire)
