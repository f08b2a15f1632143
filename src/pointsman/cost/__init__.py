"""What calls cost: exact decimals, and where each price came from."""
