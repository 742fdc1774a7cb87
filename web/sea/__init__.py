"""Pages of boats: the fleet, trips, trip cards, the vessel's book."""
