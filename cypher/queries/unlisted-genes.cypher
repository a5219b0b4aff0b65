// name: unlisted-genes
// topic: Genes of a drug
// about: Genes that get more than an even share of a drug's attention to targets although no source lists them as its targets.
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, rank integer, weight float, excess float, drugs_with_this_target integer
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'target' AND a.excess > 1.0 AND NOT EXISTS { MATCH (d)-[:TARGETS]->(g) }
RETURN g.id AS gene, a.rank AS rank, a.weight AS weight, a.excess AS excess,
       COUNT { MATCH (:Drug)-[:TARGETS]->(g) } AS drugs_with_this_target
ORDER BY rank, gene
LIMIT $limit
