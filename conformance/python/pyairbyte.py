"""PyAirbyte runs the destination: its specification, a check, and writes, as PyAirbyte sends them.

    pyairbyte.py DESTINATION TOKEN [SPEC]

DESTINATION is the path of the program under the name destination-hubspot, SPEC the official specification, with which
ours is compared by Airbyte's own rules. HUBSPOT_BASE_URL names the sandbox.
"""

import json
import pathlib
import subprocess
import sys

from check import check, equal, finished, true

DESTINATION, TOKEN = sys.argv[1:3]
OFFICIAL = sys.argv[3] if len(sys.argv) > 3 else None
CONFIG = {"credentials": {"type": "PrivateApp", "access_token": TOKEN}}

import airbyte as ab
from airbyte._util.destination_smoke_tests import get_smoke_test_source
from airbyte.exceptions import PyAirbyteError


def spec():
    told = subprocess.run([DESTINATION, "spec"], check=True, capture_output=True, text=True).stdout
    return json.loads(told)["spec"]


def scenarios(path, **stream):
    """A file with one stream for the source of PyAirbyte's own smoke tests."""
    pathlib.Path(path).write_text(json.dumps([stream]))
    return get_smoke_test_source(scenarios=stream["name"], custom_scenarios_file=path)


SCHEMA = {"type": "object", "properties": {"email": {"type": "string"}, "firstname": {"type": "string"}}}

if OFFICIAL:
    with check("Airbyte's own comparison finds nothing broken in the specification"):
        from airbyte_cdk.models import ConnectorSpecification
        from airbyte_cdk.test.standard_tests._spec_compatibility import compare_specs

        official = json.loads(pathlib.Path(OFFICIAL).read_text())
        equal(list(compare_specs(official, spec()).breaking), [])
        mutant = spec()
        mutant["connectionSpecification"]["required"].append("api_version")
        true(list(compare_specs(official, mutant).breaking), "a mutant is told")

with check("Airbyte's own look at secrets finds nothing unmarked"):
    from airbyte_cdk.test.standard_tests._spec_lint import find_secret_marking_errors

    equal(list(find_secret_marking_errors(spec())), [])

destination = ab.get_destination("destination-hubspot", config=CONFIG, local_executable=DESTINATION)

with check("the configuration is valid by the specification"):
    true(destination.config_spec)
    destination.validate_config()

with check("check succeeds, and fails with a wrong token"):
    destination.check()
    wrong = ab.get_destination(
        "destination-hubspot",
        config={"credentials": {"type": "PrivateApp", "access_token": "pat-na1-wrong"}},
        local_executable=DESTINATION,
    )
    try:
        wrong.check()
    except PyAirbyteError:
        pass
    else:
        raise AssertionError("a wrong token passes the check")

with check("write without a cache: the stream's name stands for the object"):
    source = scenarios(
        "straight.yaml",
        name="contacts",
        json_schema=SCHEMA,
        primary_key=[["email"]],
        records=[
            {"email": "ada@example.com", "firstname": "Ada"},
            {"email": "grace@example.com", "firstname": "Grace"},
        ],
    )
    destination.write(source, cache=False, state_cache=False)

with check("write through the cache: what PyAirbyte adds to the records stays out"):
    source = scenarios(
        "cached.yaml",
        name="contacts",
        json_schema=SCHEMA,
        primary_key=[["email"]],
        records=[{"email": "zoe@example.com", "firstname": "Zoë"}],
    )
    destination.write(source)

with check("a stream without a key is asked to be overwritten, and that fails"):
    source = scenarios(
        "keyless.yaml",
        name="contacts",
        json_schema=SCHEMA,
        primary_key=[],
        records=[{"email": "nobody@example.com", "firstname": "Nobody"}],
    )
    try:
        destination.write(source, cache=False, state_cache=False)
    except PyAirbyteError:
        pass
    else:
        raise AssertionError("PyAirbyte takes a refused overwrite for a success")

finished()
