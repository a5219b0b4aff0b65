"""The store on a Neo4j server, a cluster or Aura, over Bolt. `store.Neo4jStore` is what others use."""
