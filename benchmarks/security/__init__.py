"""What a security review asks: which findings are accepted, and for what each permission is needed."""
