// name: top-drugs
// topic: Drugs of a gene
// about: Drugs that attend to one gene as a target most strongly, by excess over an even share.
// param gene: gene, HGNC symbol
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: drug string, name string, rank integer, weight float, excess float, known boolean
MATCH (d:Drug)-[a:ATTENDS]->(g:Gene {id: $gene})
WHERE a.run_id = $run AND a.objective = 'target'
RETURN d.id AS drug, d.name AS name, a.rank AS rank, a.weight AS weight, a.excess AS excess,
       EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY excess DESC, drug
LIMIT $limit
