"""Words and recordings become telephone-rate WAV files.

`voices.library.VoiceLibrary` is the way in. Piper, onnxruntime and numpy are only imported by the
rendering processes (`voices.worker`), never by the process that asks for sounds.
"""
