"""The store on a Neo4j server, a cluster or Aura, over Bolt. Its public class is `kg.neo4j.store.Neo4jStore`."""
