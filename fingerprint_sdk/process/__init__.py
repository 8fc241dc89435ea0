"""The process that this runs in: cores it is granted, and children it forks."""
