"""Where a table may be: in memory, in files, in DuckDB, in Spark."""

import duckdb


def placed(table, where, tmp_path, request=None):
    """The same table in memory, as a file, as a pattern of files, in DuckDB or in Spark."""
    if where == "pandas":
        return table
    if where == "spark":
        return request.getfixturevalue("spark").createDataFrame(table)
    if where == "duckdb":
        return duckdb.connect().from_df(table)
    path = tmp_path / "table.parquet"
    if where == "path":
        table.to_parquet(path, index=False)
        return path
    for number, start in enumerate(range(0, len(table), 1000)):
        table.iloc[start : start + 1000].to_parquet(tmp_path / f"part{number}.parquet", index=False)
    return tmp_path if where == "folder" else str(tmp_path / "part*.parquet")
