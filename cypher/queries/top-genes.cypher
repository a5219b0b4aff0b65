// name: top-genes
// topic: Genes of a drug
// about: Genes that a run attends to most for one drug, as targets and as what decides its response (the gene's first feature).
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, known boolean, rank integer, weight float, response_rank integer, feature string, effect float
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run
WITH d, g, min(CASE WHEN a.objective = 'target' THEN a.rank END) AS rank,
     max(CASE WHEN a.objective = 'target' THEN a.weight END) AS weight,
     min(CASE WHEN a.objective = 'response' THEN a.rank END) AS response_rank
OPTIONAL MATCH (d)-[r:ATTENDS]->(g)
WHERE r.run_id = $run AND r.objective = 'response' AND r.rank = response_rank
RETURN g.id AS gene, EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known, rank, weight, response_rank,
       r.feature AS feature, r.effect AS effect
ORDER BY CASE WHEN rank IS NULL OR response_rank < rank THEN response_rank ELSE rank END,
         CASE WHEN rank IS NULL THEN 1 ELSE 0 END, gene
LIMIT $limit
