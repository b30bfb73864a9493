r"""Whether prompts tell the model what its reward reads.

The rules know literal forms in any language (`####`, `\boxed{}`, a marker, a tag, a label, the name of a field, JSON)
and the words of instructions mostly in English. They read what is written, and cannot know what a prompt means.
"""
