// name: gene-pathways
// topic: Pathways
// about: Pathways that a gene belongs to, the smallest first.
// param gene: gene, HGNC symbol
// param limit: integer, rows; default 50
// columns: pathway string, name string, source string, genes integer
MATCH (:Gene {id: $gene})-[:MEMBER_OF]->(p:Pathway)
WITH DISTINCT p
RETURN p.id AS pathway, p.name AS name, p.source AS source, COUNT { MATCH (:Gene)-[:MEMBER_OF]->(p) } AS genes
ORDER BY genes, pathway
LIMIT $limit
