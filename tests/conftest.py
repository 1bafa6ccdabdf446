"""What every test stands on: nothing is written under the user's home, and signals are heard."""

import os
import shutil
import signal

import pytest

# What is run in the background or under nohup hands them down ignored, and so would every child of a test.
signal.signal(signal.SIGINT, signal.default_int_handler)
if os.name == "posix":
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


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
