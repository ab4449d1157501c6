"""Picture files: which go in, where results go, and stylizing them one by one."""
