"""Reports of a run as files: what the run itself wrote, a page for reading, and the dashboard as deployed."""
