"""The pages, one module each; `explorer.app` finds the page of an address here."""
