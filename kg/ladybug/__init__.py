"""The embedded store: a graph in one file, no server. `store.LadybugStore` is what others use."""
