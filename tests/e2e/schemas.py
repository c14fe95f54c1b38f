# SPDX-License-Identifier: GPL-2.0-only
"""JSON documents held to the schema that convoy prints of them."""

import json

from harness import Skip, check, convoy


def validator(of=None):
    """Of any report, or of one kind: then it says more."""
    try:
        import jsonschema
    except ImportError:
        raise Skip("python3-jsonschema is not installed") from None
    result = convoy("report", "--schema", "--format", "json")
    check(result.status == 0, result.stderr)
    schema = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    if of:
        schema = {"$defs": schema["$defs"], "$ref": f"#/$defs/{of}"}
    return jsonschema.Draft202012Validator(schema)


def check_valid(checker, document, what):
    wrong = [f"{error.json_path}: {error.message[:200]}"
             for error in checker.iter_errors(document)]
    check(not wrong, f"{what}: " + "\n".join(wrong[:5]))
