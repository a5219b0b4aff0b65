// name: top-genes
// about: Genes that a run attends to most for one drug, and whether each is a known target.
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, rank integer, weight float, excess float, percentile float, known boolean
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run
RETURN g.id AS gene, a.rank AS rank, a.weight AS weight, a.excess AS excess, a.percentile AS percentile,
       EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY rank, gene
LIMIT $limit
