"""What shall be: a plan decides on every path of a bundle. It reads, writes nothing; the same facts give the same plan."""
