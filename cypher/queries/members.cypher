// name: members
// topic: Pathways
// about: Genes of a pathway, with the number of drugs that are known to act on each.
// param pathway: string, id of the pathway
// param limit: integer, rows; default 500
// columns: gene string, name string, drugs_with_this_target integer
MATCH (g:Gene)-[:MEMBER_OF]->(:Pathway {id: $pathway})
WITH DISTINCT g
RETURN g.id AS gene, g.name AS name, COUNT { MATCH (:Drug)-[:TARGETS]->(g) } AS drugs_with_this_target
ORDER BY drugs_with_this_target DESC, gene
LIMIT $limit
