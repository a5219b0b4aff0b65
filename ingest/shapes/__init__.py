"""The shapes of files that a screen is read from: the long layout, and the downloads of public portals as they are.

`registry` lists them, `recognise` tells a file's shape from its content, `assemble_screen` reads the files of a screen.
A shape is one module that finds its columns under the portal's names and gives them in the project's units.
"""
