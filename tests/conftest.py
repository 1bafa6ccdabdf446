"""What every test stands on: nothing is written under the user's home, and signals are heard."""

import os
import shutil
import signal

import pytest

import cxlab  # noqa: F401  before openpyxl, which asks once how it is to write

# What is run in the background or under nohup hands them down ignored, and so would every child of a test.
signal.signal(signal.SIGINT, signal.default_int_handler)
if os.name == "posix":
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items):
    """Keep tests that share what their module makes on one worker: elsewhere it would be made again."""
    for item in items:
        found = (each for known in item._fixtureinfo.name2fixturedefs.values() for each in known)
        shared = any(each.scope in ("class", "module") and each.baseid for each in found)
        if shared and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))


@pytest.fixture(scope="session", autouse=True)
def _own_configuration(tmp_path_factory):
    """Keep the keys of pseudonyms that tests make in a folder of their own, also for what they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.delenv("CXLAB_ID_KEY", raising=False)
        os.makedirs(os.environ["XDG_CONFIG_HOME"], mode=0o700, exist_ok=True)
        yield


@pytest.fixture(scope="session")
def spark():
    """A local Spark session, where pyspark and Java are installed."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed here")
    pyspark = pytest.importorskip("pyspark.sql", reason="pyspark is not installed here")
    builder = pyspark.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    yield session
    session.stop()
