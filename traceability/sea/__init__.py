"""The vessel's book: trips, catches, papers, landings, cards."""
