// name: strongest-unlisted
// topic: Genes of a drug
// about: The drug–gene links with the most attention as targets that no source lists as targets: hypotheses.
// param run: run, run id; default the promoted run
// param per_drug: integer, genes considered for each drug; default 10
// param limit: integer, rows; default 20
// columns: drug string, gene string, rank integer, weight float, excess float, drugs_with_this_target integer
MATCH (d:Drug)-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'target' AND a.rank <= $per_drug AND NOT EXISTS { MATCH (d)-[:TARGETS]->(g) }
RETURN d.name AS drug, g.id AS gene, a.rank AS rank, a.weight AS weight, a.excess AS excess,
       COUNT { MATCH (:Drug)-[:TARGETS]->(g) } AS drugs_with_this_target
ORDER BY excess DESC, drug, gene
LIMIT $limit
