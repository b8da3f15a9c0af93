"""Questions about cost, answered from the ledger and the prices in force."""
