"""What several test modules share: a browser, figures closed behind them, no deadlines."""

import shutil

import hypothesis
import pytest

# A property holds or not; how long an example took says what else the machine did.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


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
