"""The embedded store: a graph in one file, without a server. Its public class is `kg.ladybug.store.LadybugStore`."""
