"""Where runs are kept: the Protocols, the SQL behind them, and the artifacts."""
