"""Conversations as text. Each is a story: requests begin with `>`, answers with `<`, bodies follow.

    as admin                                whose token is sent from here on: a role, `nobody`, `wd/user of $user`, or
                                            `jane:secret` for Basic credentials
    > POST /users                           method and path; further `>` lines are headers
    {"username": "jane"}
    < 200                                   status; further `<` lines are headers that must be there
    {"success": true, "id": "$user"}        the whole body

In a JSON answer "$name" is bound when it is first seen and must be the same afterwards, "*" is anything, and the key
"..." allows further keys. `$name` in a path or body of a request stands for what was bound. Lines with # are comments.
`work` runs the jobs that are due, `later 26 days` (or hours) moves the clock and runs them.
A body between `---` lines is text with CRLF line ends, exactly as it stands.
"""

import base64
import json
import re
from typing import Any

import httpx2
from attrs import define, field

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.http import build_app


@define
class Step:
    line: int
    caller: str
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(factory=dict)
    body: str | None = None
    status: int = 0
    expected_headers: dict[str, str] = field(factory=dict)
    expected: str | None = None
    wait: int | None = None


def _wait(line: str) -> int:
    """Milliseconds that `work` (0) or `later 26 days` lets pass."""
    if line == "work":
        return 0
    _, count, unit = line.split()
    return int(count) * {"days": 86_400_000, "hours": 3_600_000}[unit]


def _work(kit: MailKit, wait: int) -> None:
    if wait:
        assert isinstance(kit.clock, FixedClock)
        kit.clock.advance(ms=wait)
        with kit.background():
            pass  # makes the jobs that come back
    while kit.run_due():
        pass


def parse(text: str) -> list[Step]:
    """The steps of a conversation."""
    steps: list[Step] = []
    caller = "admin"
    lines = iter(enumerate(text.split("\n"), 1))
    for number, line in lines:
        if line == "---":
            quoted: list[str] = []
            for _, inner in lines:
                if inner == "---":
                    break
                quoted.append(inner)
            _add(steps[-1], "\r\n".join(quoted))
        elif not line.strip() or line.startswith("#"):
            continue
        elif line.startswith("as "):
            caller = line[3:].strip()
        elif line == "work" or line.startswith("later "):
            steps.append(Step(number, caller, wait=_wait(line), status=-1))
        elif line.startswith("> "):
            step = steps[-1] if steps and not steps[-1].status else None
            if step is None:
                method, path = line[2:].split(None, 1)
                steps.append(Step(number, caller, method, path.strip()))
            else:
                name, value = line[2:].split(":", 1)
                step.headers[name.strip()] = value.strip()
        elif line.startswith("< "):
            step = steps[-1]
            if not step.status:
                step.status = int(line[2:])
            else:
                name, value = line[2:].split(":", 1)
                step.expected_headers[name.strip().lower()] = value.strip()
        else:
            _add(steps[-1], line)
    return steps


def _add(step: Step, text: str) -> None:
    if step.status:
        step.expected = text if step.expected is None else step.expected + "\n" + text
    else:
        step.body = text if step.body is None else step.body + "\n" + text


async def play(name: str, text: str, kit: MailKit) -> None:
    """Has a conversation with the application over `kit`; AssertionError names the line that came out otherwise."""
    bound: dict[str, str] = {}
    transport = httpx2.ASGITransport(app=build_app(kit), client=("192.0.2.7", 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for step in parse(text):
            if step.wait is not None:
                _work(kit, step.wait)
                continue
            sent = {name: _fill(value, bound) for name, value in step.headers.items()}
            headers = {**_credentials(kit, step.caller, bound), **sent}
            body = None if step.body is None else _fill(step.body, bound)
            if body is not None and "content-type" not in {name.lower() for name in headers}:
                headers["Content-Type"] = "application/json"
            answer = await client.request(step.method, _fill(step.path, bound), headers=headers, content=body)
            where = f"{name}:{step.line}"
            assert answer.status_code == step.status, f"{where}: {answer.status_code} {answer.text}"
            for header, value in step.expected_headers.items():
                assert answer.headers.get(header) == value, f"{where}: {header} is {answer.headers.get(header)!r}"
            if step.expected is not None:
                _compare(step.expected, answer, bound, where)


def _compare(expected: str, answer: httpx2.Response, bound: dict[str, str], where: str) -> None:
    if "json" not in answer.headers["content-type"]:
        assert answer.text == expected, f"{where}: {answer.text!r}"
        return
    problems = list(_differences(json.loads(expected), answer.json(), bound, "body"))
    assert not problems, f"{where}: {'; '.join(problems)}\n{json.dumps(answer.json(), indent=1)}"


def _differences(expected: Any, found: Any, bound: dict[str, str], at: str) -> Any:
    if expected == "*":
        return
    if isinstance(expected, str) and re.fullmatch(r"\$\w+", expected):
        if bound.setdefault(expected[1:], str(found)) != str(found):
            yield f"{at} is {found!r}, not {bound[expected[1:]]!r}"
    elif isinstance(expected, dict) and isinstance(found, dict):
        for name in expected.keys() - found.keys() - {"..."}:
            yield f"{at}.{name} is missing"
        for name in found.keys() - expected.keys():
            if "..." not in expected:
                yield f"{at}.{name} is too much"
        for name in expected.keys() & found.keys():
            yield from _differences(expected[name], found[name], bound, f"{at}.{name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for position, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _differences(one, other, bound, f"{at}.{position}")
    elif isinstance(expected, str) and isinstance(found, str):
        if _fill(expected, bound) != found:
            yield f"{at} is {found!r}, not {expected!r}"
    elif type(expected) is not type(found) or expected != found:
        yield f"{at} is {found!r}, not {expected!r}"


def _fill(text: str, bound: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda match: bound.get(match[1], match[0]), text)


def _credentials(kit: MailKit, caller: str, bound: dict[str, str]) -> dict[str, str]:
    if caller == "nobody":
        return {}
    if ":" in caller:
        return {"Authorization": "Basic " + base64.b64encode(caller.encode()).decode()}
    role, _, owner = caller.partition(" of ")
    version, number = 0, None
    if owner:
        from mailkit.ids import Id

        row = kit.principals.by_id(Id.parse(_fill(owner, bound)))
        version, number = row.auth_version, row.number
    token = kit.credentials.issue_token(role, now=kit.clock(), owner=number, auth_version=version)
    return {"Authorization": f"Bearer {token}"}
