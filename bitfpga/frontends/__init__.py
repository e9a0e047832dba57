"""Models of other tools into ``Network``; each front end is the only user of its package."""
