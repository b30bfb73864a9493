"""The embedded AWS: an emulator with our patches, a Bedrock endpoint that really trains, and their lifecycle."""
