"""What several test modules share: a browser, closed figures, no deadlines, no unnoticed skips."""

import os
import re
import shutil

import hypothesis
import pytest

# A property holds or not; how long an example took says what else the machine did.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

# Tests start make as a person does, also where make started the tests.
for name in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS"):
    os.environ.pop(name, None)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# Where CI is true, every test runs but for these; anything else that is skipped is a failure.
ALLOWED_SKIPS = ("this machine has a GPU",)


def unexpected_skips(config: pytest.Config) -> list[str]:
    """Name the tests that CI skipped and could have run, with the reason they gave."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None or hasattr(config, "workerinput"):
        return []
    reports = reporter.stats.get("skipped", [])
    reasons = [(report.nodeid, str(report.longrepr[-1])) for report in reports]
    allowed = re.compile("|".join(map(re.escape, ALLOWED_SKIPS)))
    return [f"{name}: {reason}" for name, reason in reasons if not allowed.search(reason)]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if unexpected_skips(session.config) and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if skipped := unexpected_skips(config):
        terminalreporter.section("skipped, though CI can run them", red=True)
        terminalreporter.write_line("\n".join(skipped))


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def closed_figures():
    """The package's style, drawn without a screen; every figure is closed and the style undone."""
    import matplotlib.pyplot as plt

    from vvlm_utils.plots import use_style

    plt.switch_backend("Agg")
    with plt.rc_context():
        use_style()
        yield
    plt.close("all")
