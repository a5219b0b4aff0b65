// name: pathway-genes
// topic: Pathways
// about: Pathways of the genes that get more than an even share of a drug's attention to targets.
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: pathway string, source string, genes integer, mean_excess float
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)-[:MEMBER_OF]->(p:Pathway)
WHERE a.run_id = $run AND a.objective = 'target' AND a.excess > 1.0
RETURN p.name AS pathway, p.source AS source, count(DISTINCT g.id) AS genes, avg(a.excess) AS mean_excess
ORDER BY genes DESC, mean_excess DESC, pathway
LIMIT $limit
