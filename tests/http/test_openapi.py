import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mailkit.http.documents import PATHS, Documents, stalwart_document, wildduck_document
from mailkit.http.operation import Operation
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK

BOTH = pytest.mark.parametrize(
    ("document", "operations"),
    [(wildduck_document(), WILDDUCK), (stalwart_document(), STALWART)],
    ids=["wildduck", "stalwart"],
)


@BOTH
def test_the_document_is_valid(document: dict[str, Any], operations: tuple[Operation, ...]) -> None:
    OpenAPIV31SpecValidator(document).validate()


@BOTH
def test_the_document_has_every_operation(document: dict[str, Any], operations: tuple[Operation, ...]) -> None:
    described = {op["operationId"] for item in document["paths"].values() for op in item.values()}
    assert described == {operation.name for operation in operations}


@BOTH
def test_every_parameter_and_field_that_is_built_is_explained(
    document: dict[str, Any], operations: tuple[Operation, ...]
) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            if "501" in operation["responses"]:
                continue
            for parameter in operation["parameters"]:
                assert parameter["description"], (operation["operationId"], parameter["name"])
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for name, schema in content.get("schema", {}).get("properties", {}).items():
                if not schema.get("readOnly"):
                    assert schema.get("description"), (operation["operationId"], name)


def test_pages_and_documents_are_served_without_scripts() -> None:
    for path in PATHS:
        answer = Documents().find("GET", path)
        assert answer is not None
        assert answer.status == 200
        if path.endswith("docs"):
            text = answer.body.decode()
            assert "<script" not in text
            assert not re.search(r"(?:src|href)=['\"]?(?:https?:)?//", text)
            assert "createUser" in text or "postPrincipal" in text
    assert Documents().find("POST", "/docs") is None
    assert Documents().find("GET", "/doc") is None
