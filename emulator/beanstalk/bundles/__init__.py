"""Source bundles: from the archive that a user uploaded to what is built and run.

`unpacking.unpack` makes a folder of the archive; `files.FolderFiles` reads it; `extensions.read_extensions` finds the option
settings, which are wanted before anything is deployed; `planning.plan` says what is built, pulled and run. All but the
unpacking is pure. Every refusal is a `BundleError`, whose text is the event that the user sees.
"""
