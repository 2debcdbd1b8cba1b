"""What CI runs, and what is too long for it. `nox -s tests lint types docs` is the whole of CI."""

import nox
from nox.virtualenv import PassthroughEnv

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests", "lint", "types", "docs"]
nox.options.reuse_existing_virtualenvs = True


def need(session: nox.Session, extra: str) -> None:
    """Installs mailkit with an extra, unless CI has done so already (`nox --no-venv`)."""
    if not isinstance(session.virtualenv, PassthroughEnv):
        session.install("-e", f".[{extra}]")


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite on all local backends (under 10 minutes on 2 cores)."""
    need(session, "test")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def explore(session: nox.Session) -> None:
    """The suite with new random examples for every property; one that fails becomes an `@example`."""
    need(session, "test")
    session.run("pytest", "-n", "auto", "--hypothesis-profile", "explore", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Long races, kills and random walks."""
    need(session, "test")
    session.run("pytest", "-m", "soak", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Format, rules, and the ranks: imports point downwards only."""
    need(session, "dev")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict."""
    need(session, "dev")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Generated pages are current, code blocks run, the site builds without a warning."""
    need(session, "dev")
    session.run("pytest", "-p", "no:cacheprovider", "tests/docs")
    session.run("mkdocs", "build", "--strict", "--site-dir", "site")


@nox.session
def bench(session: nox.Session) -> None:
    """One benchmark by name (`nox -s bench -- storage`), or all of them, into docs/performance.md.

    Peers that are not installed are left out, and their benchmark says so; `delivery` needs Debian's dovecot-lmtpd."""
    need(session, "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """All fuzz targets, an hour in all, or as told: `nox -s fuzz -- --seconds 60`."""
    need(session, "test")
    session.run("python", "-m", "fuzz", *session.posargs)


@nox.session
def interop(session: nox.Session) -> None:
    """Against real peers. Needs Debian's strace, opendkim-tools, libmail-dkim-perl, bogofilter, dovecot-lmtpd, gnupg,
    openssl and chromium-driver."""
    need(session, "interop")
    session.run("pytest", "-m", "interop", *session.posargs)


@nox.session
def spam_evaluation(session: nox.Session) -> None:
    """Fetches the corpus, measures the spam engine beside bogofilter (Debian), writes docs/spam-evaluation.md."""
    need(session, "test")
    session.run("python", "-m", "benchmarks.spam_page")
