"""Asks the system every case, scores each response, and records every result as it arrives."""
