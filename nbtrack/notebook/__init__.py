"""The notebook layer: extension, magics, cell capture and the card. The only importer of IPython."""
