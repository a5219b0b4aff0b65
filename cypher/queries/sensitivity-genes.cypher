// name: sensitivity-genes
// topic: Drugs of a gene
// about: Drugs whose response a gene decides, and the direction where it is high, mutated, gained or needed.
// param gene: gene, HGNC symbol
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: drug string, feature string, effect float, direction string, rank integer, weight float, known boolean
MATCH (d:Drug)-[a:ATTENDS]->(g:Gene {id: $gene})
WHERE a.run_id = $run AND a.objective = 'response'
RETURN d.name AS drug, a.feature AS feature, a.effect AS effect,
       CASE WHEN a.effect > 0 THEN 'sensitive' WHEN a.effect < 0 THEN 'resistant' END AS direction,
       a.rank AS rank, a.weight AS weight, EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY abs(a.effect) DESC, drug, feature
LIMIT $limit
